"""The training process: the only room where torch is welcome, and that nobody imports."""
