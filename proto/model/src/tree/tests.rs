use super::*;

mod national;
