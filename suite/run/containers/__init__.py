"""The one door to the Docker SDK: connect, find or build an image, run a launch in a container."""
