"""Pull mode: VOD's own reliable notification, both generations, for clients that nobody changed."""
