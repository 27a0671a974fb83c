"""What people see: the design system, templates, and how a page is drawn. Outside use: `pages`."""
