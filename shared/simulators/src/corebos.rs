//! The stand-in for coreBOS.
