"""Job: a command that runs in several processes, which MPI connects: joining them, starting them, ending them."""
