"""Made people: physiology, skin, camera and scene whose answer is known."""
