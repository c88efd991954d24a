"""Two models side by side: do they turn q and k alike, at each length that matters?"""
