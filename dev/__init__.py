"""What makes the Worker run on a desk: the local runtime, its launcher, and the stand-in for Workers AI."""
