"""Encoding at the least cost: the towers run by torch, onnxruntime or OpenVINO, behind one interface."""
