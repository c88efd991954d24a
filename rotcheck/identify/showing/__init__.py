"""What shows a mistake? Python without rotcheck that makes a call and prints the value
that came and the right one."""
