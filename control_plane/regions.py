"""What the regions are called where people choose one."""

from contracts.operations import Region

NAMES: dict[Region, str] = {"eu": "the European Union", "us": "the United States"}
