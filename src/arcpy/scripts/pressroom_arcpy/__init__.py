"""What Pressroom does with ArcPy, in a process of its own."""
