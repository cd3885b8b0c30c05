"""What does it do? Rows made from statistics, and the outputs of every step."""
