"""Stand-ins, a file each: devices that need no hardware."""
