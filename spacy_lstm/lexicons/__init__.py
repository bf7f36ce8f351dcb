"""What is known of words before any training: vectors and grammatical gender."""
