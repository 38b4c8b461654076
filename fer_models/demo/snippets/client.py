from gradio_client import Client, handle_file

answer = Client("http://127.0.0.1:7860").predict(handle_file("photo.jpg"), api_name="/compare")
print(answer["votes"])
