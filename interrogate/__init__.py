"""Picture to text: CLIP (caption and ranking), DeepBooru and further taggers."""
