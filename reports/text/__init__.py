"""How a number, a fact or a case is called and set, wherever it stands."""
