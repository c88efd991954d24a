"""What runs in a worker process: these files import torch and whatever else is being probed."""
