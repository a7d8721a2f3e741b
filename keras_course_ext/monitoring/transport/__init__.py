"""From the device to the host: stores that rows are written into, and the collector of them."""
