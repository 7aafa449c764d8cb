"""The report: reads results, writes a site of plain HTML that needs nothing but a browser."""
