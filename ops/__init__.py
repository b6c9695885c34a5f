"""The commands of this checkout, which work for it wherever they are called."""

import os

from localcloud.project import FOLDER_VARIABLE
from ops.checkout import CHECKOUT

os.environ[FOLDER_VARIABLE] = str(CHECKOUT)
