from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")
answer = client.predict(handle_file("photo.jpg"), models=["transfer"], api_name="/compare")
print(answer["favourite"], answer["sure"])
