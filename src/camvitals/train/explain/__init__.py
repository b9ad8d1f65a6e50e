"""Why a network answered as it did: relevance of its input, and checks that can refute it."""
