"""The first screen: the answer, its evidence drawn, and where to go for the next question."""
