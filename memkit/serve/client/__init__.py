"""The client: banks that a server holds, with the methods, options and answers of the library's own."""
