"""May a record be quoted, and beside which others?"""
