"""The prompt language of A1111: grammar, schedules, chunks and text conditioning."""
