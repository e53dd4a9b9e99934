"""Which vulnerabilities the packages of an image have, by reports of scanners and by OSV's data.

Files are read; where none was given a scanner of this machine is asked. Without any there is no
answer, which is not the same as no vulnerability.
"""

from __future__ import annotations

from .match import Known, match, read
from .reports import read_reports
from .scanner import Scan, scan
from .values import Exploitation, Finding, NoData, Severity, Source, Vulnerabilities

__all__ = [
    "Exploitation",
    "Finding",
    "Known",
    "NoData",
    "Scan",
    "Severity",
    "Source",
    "Vulnerabilities",
    "match",
    "read",
    "read_reports",
    "scan",
]
