# SPDX-License-Identifier: MPL-2.0
"""The demo's case system: the example schema of config/sql with a municipality in it, used through psql."""

import subprocess
