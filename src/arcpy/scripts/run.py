"""Serves requests of Pressroom with ArcPy: one JSON document per line, in and out.

Started by src/arcpy/arcpy-process.ts. Standard library and arcpy only, Python 3.9 and later.
"""

from pressroom_arcpy.server import serve

if __name__ == "__main__":
    serve()
