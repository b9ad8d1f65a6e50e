"""The server: monitors for thin clients, measurements of files, results kept until deleted."""
