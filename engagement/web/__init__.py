"""What a browser gets: the widget, the demo newspaper, the readable API reference."""
