"""Packages of yum should have a version.

Bad:

    FROM centos:7
    RUN yum install -y httpd && yum clean all

Good:

    FROM centos:7
    RUN yum install -y httpd-2.4.6 && yum clean all
"""

from wherry.lint.finding import Level
from wherry.lint.rpm import names_no_version, pin
from wherry.lint.rule import Rule

RULE = Rule(
    "DL3033",
    Level.WARNING,
    "Specify version with `yum install -y <package>-<version>`.",
    names_no_version("yum"),
    pin=pin("yum"),
)
