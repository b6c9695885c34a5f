"""Revisions of video-gateway's database."""
