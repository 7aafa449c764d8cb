"""The report in other forms than a site: Markdown, a badge, the tables of READMEs."""
