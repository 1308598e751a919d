"""The HTTP API: FastAPI, one router a noun, behind Mangum in Lambda and under uvicorn elsewhere."""
