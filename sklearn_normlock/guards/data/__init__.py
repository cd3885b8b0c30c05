"""What is handed over: tables of any library, and small requests gathered."""
