"""versitygw, the S3 server over a folder: found, or built once into the cache."""

import sys

from stack.gobuild import NotBuilt, Program

PROGRAM = Program(
    name="versitygw",
    module="github.com/versity/versitygw",
    package="cmd/versitygw",
    version="v1.8.0",
    what="the S3 server",
)
find_or_build = PROGRAM.find_or_build

if __name__ == "__main__":
    try:
        print(find_or_build(lambda line: print(line, file=sys.stderr)))
    except NotBuilt as error:
        sys.exit(f"error: {error}")
