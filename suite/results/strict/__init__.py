"""May a run that somebody gives be taken in among the published results?"""
