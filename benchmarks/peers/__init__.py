"""What delivery is measured against: other people's push libraries, each in a process of its own, at its best."""
