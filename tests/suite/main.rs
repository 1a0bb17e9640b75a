//! One test binary; one module a promise.

mod layers;
