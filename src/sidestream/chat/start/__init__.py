"""What makes a start short: fewer imports, and one scripted run ahead."""
