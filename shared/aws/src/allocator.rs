//! The allocator of every binary that speaks to AWS: each function, and the command line.
//!
//! A call of the AWS SDK makes some hundred small allocations and frees them again. With the allocator of libc that was
//! a sixth to a third of the processor time of a push.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
