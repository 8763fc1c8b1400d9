"""Speed, memory and scale, measured beside a simple script in one run; it does not judge, it prints ratios."""
