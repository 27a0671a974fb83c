"""What the regions are called where people choose one."""

from contracts.said import Region

NAMES: dict[Region, str] = {"eu": "the European Union", "us": "the United States"}
