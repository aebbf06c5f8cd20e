//! Places: what is wrong inside of a scalar is found in the file.
