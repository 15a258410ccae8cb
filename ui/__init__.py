"""The Gradio page: layout and handlers that submit, watch and fetch. No torch, no arithmetic."""
