//! The simulated control loops: each follows the rules of the real one it stands for.
