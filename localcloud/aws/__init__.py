"""The stand-in for AWS: a provider process whose table holds exactly the types we declare, and a moto server with
what moto lacks. Everything listens on and talks to the loopback interface alone.
"""
