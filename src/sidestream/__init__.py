"""Sidestream: an AI task sidebar on ChatKit, served from AWS Lambda, streaming from Python."""
