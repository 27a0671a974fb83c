"""Links: what an agent sends to a customer. Outside use: `service`, the subject Visitor, `models.Link`."""
